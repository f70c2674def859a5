-- Fails in every odd wave.
select 1 / (1 - max(wave) % 2) from effects where job = 'root';
